"""What a rep can do on a deal, as far as the company's tables would show it: a file a topic.

A file's `declare(vocabulary)` names its actions; it is found by being there. Not to be found here: what the buyer does
(a reply), what is an outcome (a stage move, an amount), and more of the same (e-mails, calls).
"""
