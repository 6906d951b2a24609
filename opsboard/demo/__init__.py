"""The demo: a made-up seller pulled through the real protocols."""
