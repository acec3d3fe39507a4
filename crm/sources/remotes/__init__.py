"""The kinds of remote source, one a file, named after the scheme of its address: `salesforce://…` is `salesforce.py`.

Each file has ``connect(url, secrets) -> RemoteSource`` and is found by its presence; an address of any other scheme
is a database's and goes to `sql.py`.
"""
