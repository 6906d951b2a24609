"""Every address of opsboard."""

urlpatterns: list[object] = []
