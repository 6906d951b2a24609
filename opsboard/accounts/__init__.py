"""Who may see what: organisations, people and roles, seller accounts, marketplaces, sealed credentials."""
