"""HubSpot: its tables as a mirror, Fivetran or dlt hold them, and the road that fetches them."""
