"""The ground floor: settings, wiring, and the leaves that every room stands on."""
