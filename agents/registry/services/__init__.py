"""What changes the registry: heartbeats, sightings, registrations, the sweep, and what people decide on versions."""
