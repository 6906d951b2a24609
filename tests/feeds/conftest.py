from tests.amazon.fixtures import amazon, scope
from tests.feeds.reading import read

__all__ = ["amazon", "read", "scope"]
