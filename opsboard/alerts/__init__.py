"""From a breach to one mail: episodes, the outbox, delivery, unsubscribe."""
