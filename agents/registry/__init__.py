"""Who the agents are: registration, cards, instances, heartbeats, discovery."""
