from .fixtures import _marketplaces, amazon, scope

__all__ = ["_marketplaces", "amazon", "scope"]
