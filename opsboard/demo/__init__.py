"""The demo: a made-up seller pulled through the real protocols, on one machine."""

EMAIL = "demo@example.com"
