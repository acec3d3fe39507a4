"""HubSpot over the network, through its own client library."""
