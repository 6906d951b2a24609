from tests.kpis.fixtures import declared, hints, scope

__all__ = ["declared", "hints", "scope"]
