from .fixtures import amazon, scope

__all__ = ["amazon", "scope"]
