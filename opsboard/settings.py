"""Settings: environment in, safe defaults, no secrets.

Every deployment difference is an environment variable (see .env.example). Nothing here
reads a file of secrets; `manage.py check --deploy` is clean with the production values.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import django_stubs_ext
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

# Lets `ModelForm[User]` and friends be written where Django's own classes take no type argument.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def env_bool(name: str, default: bool = False) -> bool:
    return env(name, "1" if default else "0").strip().lower() in {"1", "true", "yes", "on"}


def env_list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


DATA_DIR = Path(env("OPSBOARD_DATA_DIR", str(BASE_DIR / ".data")))
DEBUG = env_bool("DEBUG")
SECRET_KEY = env("SECRET_KEY")
if not SECRET_KEY:
    if env("DATABASE_URL") and not DEBUG:
        raise ImproperlyConfigured("SECRET_KEY is not set: put a long random string in the environment.")
    SECRET_KEY = "only-for-commands-without-a-database"  # never signs anything that is served

#: Keys that seal Amazon credentials: "id:base64,older:base64"; the first seals, all open.
SEAL_KEYS = env("OPSBOARD_SEAL_KEYS")

ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
BASE_URL = env("OPSBOARD_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
_HTTPS = BASE_URL.startswith("https://")

INSTALLED_APPS = [
    "opsboard.accounts",
    "opsboard.ui",
    "opsboard.amazon",
    "opsboard.feeds",
    "opsboard.kpis",
    "opsboard.alerts",
    "opsboard.watch",
    "opsboard.summaries",
    "opsboard.today",
    "opsboard.demo",
    "listings",
    "ads",
    "inventory",
    "health",
    "finance",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "django_htmx",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
]
#: Apps that bring facts and KPIs: only these names tie the kernel to the domains.
DOMAINS = ["listings", "ads", "inventory", "health", "finance"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "opsboard.ui.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "opsboard.accounts.middleware.SignedInOnlyMiddleware",
    "opsboard.accounts.middleware.UserLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "opsboard.urls"
WSGI_APPLICATION = "opsboard.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "opsboard.ui.context.frame",
            ],
        },
    },
]


def _limits() -> str:
    """No statement and no forgotten transaction lasts for ever (libpq options)."""
    statement = float(env("OPSBOARD_STATEMENT_SECONDS", "1800"))
    return f"-c statement_timeout={statement * 1000:.0f} -c idle_in_transaction_session_timeout=1800000"


def _database(url: str) -> dict[str, object]:
    """Read a libpq URL; `postgresql:///name?host=/dir&user=me` is the unix-socket form."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            "DATABASE_URL must start with postgresql:// (opsboard needs PostgreSQL 15 or newer)."
        )
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or query.pop("user", "")),
        "PASSWORD": unquote(parts.password or query.pop("password", "")),
        "HOST": parts.hostname or query.pop("host", ""),
        "PORT": str(parts.port or query.pop("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "application_name": "opsboard",
            "connect_timeout": 5,
            "options": _limits(),
            **{k: v for k, v in query.items() if k.startswith("ssl")},
        },
    }


DATABASES = {"default": _database(env("DATABASE_URL", "postgresql://opsboard@127.0.0.1/opsboard"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The cache counts sign-in attempts and must be shared by all web processes; Redis is never
# on the read path of a page, so it lives in the database.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "opsboard_cache",
        # Rate counters must not be pushed out by somebody who tries many addresses.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# --- people -------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "opsboard.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = None
USERSESSIONS_TRACK_ACTIVITY = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

# --- what the browser is told ---------------------------------------------------------------
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 86400
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
if _HTTPS:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SECURE_SSL_REDIRECT = _HTTPS and env_bool("OPSBOARD_SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]  # probes come from inside, without TLS
SECURE_HSTS_SECONDS = 365 * 86400 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("OPSBOARD_BEHIND_PROXY") else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- language, time -------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- files ----------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env("OPSBOARD_STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "opsboard.ui.finders.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or env_bool("OPSBOARD_PLAIN_STATIC")
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG or env_bool("OPSBOARD_PLAIN_STATIC")
#: Raw report documents are kept here, compressed, named by their sha256.
DOCUMENT_DIR = Path(env("OPSBOARD_DOCUMENT_DIR", str(DATA_DIR / "documents")))
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20

# --- mail -----------------------------------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = int(env("EMAIL_PORT", "25"))
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS")
#: How long one step of a mail server may take (seconds).
EMAIL_TIMEOUT = int(env("EMAIL_TIMEOUT", "30"))
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", "opsboard <opsboard@localhost>")
#: Private networks that webhooks of alerts may reach; without them only the public internet.
WEBHOOK_NETWORKS = env_list("OPSBOARD_WEBHOOK_NETWORKS")
#: After a letter to somebody, further alerts to them wait for so long and are one letter.
ALERT_GROUP_SECONDS = float(env("OPSBOARD_ALERT_GROUP_SECONDS", "900"))

# --- Amazon: empty means Amazon's own hosts; the simulator differs in nothing else -----------
SP_API_ENDPOINT = env("SP_API_ENDPOINT")
ADS_API_ENDPOINT = env("ADS_API_ENDPOINT")
LWA_TOKEN_URL = env("LWA_TOKEN_URL", "https://api.amazon.com/auth/o2/token")

# --- work -----------------------------------------------------------------------------------
#: Rows are the truth; a lost or doubled message only makes a row be looked at later or twice.
LEASE_SECONDS = int(env("OPSBOARD_LEASE_SECONDS", "120"))
TICK_SECONDS = float(env("OPSBOARD_TICK_SECONDS", "10"))
#: How long a not yet finished Amazon report is left alone between two looks (seconds).
POLL_SECONDS = float(env("OPSBOARD_POLL_SECONDS", "20"))
#: Redis that throws keys away loses messages: a start is refused unless this says that it is known.
ALLOW_EVICTING_REDIS = env_bool("OPSBOARD_ALLOW_EVICTING_REDIS")
#: Free megabytes on the disks of documents and database under which `doctor` warns, and speaks of a fault.
DISK_WARN_MB = int(env("OPSBOARD_DISK_WARN_MB", "2048"))
DISK_FAIL_MB = int(env("OPSBOARD_DISK_FAIL_MB", "512"))
#: A worker that is idle and is given nothing for so long although work is due ends itself, to be started again.
DEAF_SECONDS = float(env("OPSBOARD_DEAF_SECONDS", "120"))
#: A process without a sign of life for so long, or for six ticks, does not run.
SILENCE_SECONDS = float(env("OPSBOARD_SILENCE_SECONDS", "60"))
#: What Prometheus sends to read /metrics; empty: only this machine itself may.
METRICS_TOKEN = env("OPSBOARD_METRICS_TOKEN")
CELERY_BROKER_URL = env("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_TASK_TIME_LIMIT = 1800
#: A busy machine takes longer than Celery's four seconds to start a child, which it would then kill at its first task.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "opsboard.feeds.tick", "schedule": TICK_SECONDS},
}
CELERY_BEAT_SCHEDULER = "opsboard.beat.Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = env("OPSBOARD_BEAT_FILE", str(DATA_DIR / "beat"))

# --- logs: one JSON object a line, UTC; nothing secret is ever passed to a logger ------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL", "INFO")},
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
