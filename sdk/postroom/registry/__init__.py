"""Who the agents are: registering, finding who can do a job, heartbeats: `client.py` is the front door."""
