"""The Settings pages (namespace `settings`)."""

from __future__ import annotations

from django.urls import path

from .views import account, people, profile, sessions

app_name = "settings"
urlpatterns = [
    path("", profile.index, name="index"),
    path("profile/", profile.edit, name="profile"),
    path("sessions/<int:pk>/end/", sessions.end, name="session_end"),
    path("people/", people.index, name="people"),
    path("people/<int:pk>/invite/", people.invite, name="invite"),
    path("people/<int:pk>/invite-again/", people.invite_again, name="invite_again"),
    path("people/<int:pk>/role/", people.role, name="role"),
    path("people/<int:pk>/remove/", people.remove, name="remove"),
    path("audit/", people.audit_trail, name="audit"),
    path("accounts/", account.index, name="accounts"),
    path("accounts/new/", account.new, name="account_new"),
    path("account/<int:pk>/", account.edit, name="account"),
    path("account/<int:pk>/credentials/<slug:kind>/", account.credentials, name="credentials"),
    path("account/<int:pk>/credentials/<slug:kind>/remove/", account.remove_credentials, name="credentials_remove"),
    path("account/<int:pk>/credentials/<slug:kind>/test/", account.check_connection, name="credentials_test"),
]
