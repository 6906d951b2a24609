from tests.amazon.fixtures import _marketplaces, amazon, scope
from tests.feeds.reading import read

__all__ = ["_marketplaces", "amazon", "read", "scope"]
