"""Salesforce over the network: logging in, asking, and Bulk API 2.0, through simple-salesforce."""
