"""The tables of a CRM and the roads in: what a deal's history is."""
