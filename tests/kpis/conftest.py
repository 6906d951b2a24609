from tests.kpis.fixtures import _marketplaces, declared, hints, scope

__all__ = ["_marketplaces", "declared", "hints", "scope"]
