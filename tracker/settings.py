"""The one settings file. Everything that differs between machines comes from the environment (compose/env.sample lists
it).
"""

import base64
import binascii
from datetime import timedelta
from pathlib import Path

from csp.constants import NONCE, NONE, SELF

from migrator.gateway.kinds import Kind
from tracker import azure_environment, environment
from tracker.environment import SettingError

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Azure ------------------------------------------------------------------------------------------------------------
AZURE_CLOUD = azure_environment.cloud()  # endpoints, issuer of tokens and audiences, where nothing else is set
ARM_ENDPOINT = environment.endpoint("TRACKER_ARM_ENDPOINT", AZURE_CLOUD.resource_manager)
ENDPOINT_IS_SIMULATOR = environment.is_loopback(ARM_ENDPOINT)
# Empty: not used. Beside a simulator the real one is never asked unless somebody names it.
SERVICE_MANAGEMENT_ENDPOINT = environment.optional_endpoint(
    "TRACKER_SERVICE_MANAGEMENT_ENDPOINT", "" if ENDPOINT_IS_SIMULATOR else AZURE_CLOUD.service_management
)
AZURE_CREDENTIAL = environment.choice("TRACKER_AZURE_CREDENTIAL", tuple(Kind), Kind.DEFAULT)
API_VERSIONS = azure_environment.api_versions()
SERVICE_MANAGEMENT_VERSIONS = azure_environment.service_management_versions()
AZURE_SHAPES = azure_environment.shapes()  # what no public document says
KEY_VAULTS = azure_environment.key_vaults()  # where secrets stay that are sent
if AZURE_CREDENTIAL == "static" and (away := [url for url in KEY_VAULTS if not environment.is_loopback(url)]):
    raise SettingError(
        "TRACKER_AZURE_CREDENTIAL is 'static', which is accepted only with Key Vaults on loopback; TRACKER_KEY_VAULTS "
        f"names {away[0]}."
    )
if AZURE_CREDENTIAL == "static" and not ENDPOINT_IS_SIMULATOR:
    raise SettingError(
        "TRACKER_AZURE_CREDENTIAL is 'static', which is accepted only with a loopback TRACKER_ARM_ENDPOINT; "
        f"it is {ARM_ENDPOINT}. Use 'default' for a real subscription."
    )
if AZURE_CREDENTIAL == "static" and not environment.is_loopback(SERVICE_MANAGEMENT_ENDPOINT or ARM_ENDPOINT):
    raise SettingError(
        "TRACKER_AZURE_CREDENTIAL is 'static', which is accepted only with a loopback "
        f"TRACKER_SERVICE_MANAGEMENT_ENDPOINT; it is {SERVICE_MANAGEMENT_ENDPOINT}. Write 'off' to do without it."
    )
# `rehearsal` shortens the engine's safety waits (quarantine, confirmation) so that a demonstration fits an afternoon.
ENGINE_TIMINGS = environment.choice("TRACKER_ENGINE_TIMINGS", ("live", "rehearsal"), "live")
if ENGINE_TIMINGS == "rehearsal" and not ENDPOINT_IS_SIMULATOR:
    raise SettingError(
        "TRACKER_ENGINE_TIMINGS is 'rehearsal', which is accepted only with a loopback TRACKER_ARM_ENDPOINT: "
        "the short waits are not safe against the real platform."
    )
# How long a unit's management plane should stay locked, at the most, before people are told to abort or go on.
LOCK_LIMIT = timedelta(hours=environment.number("TRACKER_LOCK_HOURS", 72, least=1))
_crash_plan = environment.text("TRACKER_CRASH_PLAN", "")  # crash.py
CRASH_PLAN = Path(_crash_plan) if _crash_plan else None
if CRASH_PLAN is not None and not ENDPOINT_IS_SIMULATOR:
    raise SettingError(
        "TRACKER_CRASH_PLAN is set, which is accepted only with a loopback TRACKER_ARM_ENDPOINT: it lets processes of "
        "the product die on purpose."
    )
if CRASH_PLAN is not None and not CRASH_PLAN.is_dir():
    raise SettingError(f"TRACKER_CRASH_PLAN is {_crash_plan!r}; it must be a folder that exists.")

# --- Secrets ----------------------------------------------------------------------------------------------------------
SECRET_KEY = environment.text("TRACKER_SECRET_KEY")
if len(SECRET_KEY) < 32:
    raise SettingError("TRACKER_SECRET_KEY must have at least 32 characters.")
_audit_key = environment.text("TRACKER_AUDIT_KEY")
try:
    AUDIT_KEY = base64.b64decode(_audit_key, validate=True)
except binascii.Error as error:
    raise SettingError("TRACKER_AUDIT_KEY must be base64: the 32-byte seed of an Ed25519 key.") from error
if len(AUDIT_KEY) != 32:
    raise SettingError(f"TRACKER_AUDIT_KEY decodes to {len(AUDIT_KEY)} bytes; an Ed25519 seed has 32.")
AUDIT_ORIGIN = environment.text("TRACKER_AUDIT_ORIGIN", "classic-migration-tracker")
if "+" in AUDIT_ORIGIN or any(character.isspace() for character in AUDIT_ORIGIN):
    raise SettingError(
        f"TRACKER_AUDIT_ORIGIN is {AUDIT_ORIGIN!r}; it names this site in signed notes and has no spaces and no '+'."
    )

# --- Web --------------------------------------------------------------------------------------------------------------
DEBUG = False
ALLOWED_HOSTS = environment.words("TRACKER_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.words("TRACKER_TRUSTED_ORIGINS", "")
ROOT_URLCONF = "tracker.urls"
WSGI_APPLICATION = "tracker.wsgi.application"
_behind_tls = environment.flag("TRACKER_TLS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _behind_tls
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 8 * 3600  # absolute; reliability-notes 3.3
SECURE_HSTS_SECONDS = 31_536_000 if _behind_tls else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _behind_tls else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
IMPORT_MIB = environment.number("TRACKER_IMPORT_MIB", 5, least=1)  # of an estate file given for import
FILE_UPLOAD_HANDLERS = [
    "tracker.web.uploads.InMemory",
    "tracker.web.uploads.Bounded",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "pgtrigger",
    "django_htmx",
    "lucide",
    "csp",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "tracker",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tracker.web.compression.PageCompression",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "tracker.web.context.frame",
            ],
            "builtins": [
                "lucide.templatetags.lucide",
                "tracker.web.templatetags.tracker",
                "tracker.web.templatetags.estate",
            ],
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = Path(environment.text("TRACKER_STATIC_ROOT", str(BASE_DIR / "static-collected")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = environment.flag("TRACKER_STATIC_FROM_SOURCE", default=False)

# --- People -----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tracker.User"
AUTHENTICATION_BACKENDS = ["tracker.accounts.sessions.Backend"]
SESSION_ENGINE = "tracker.accounts.sessions"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    *(["django.contrib.auth.hashers.MD5PasswordHasher"] if environment.flag("TRACKER_TEST_PASSWORDS") else []),
]
if environment.flag("TRACKER_TEST_PASSWORDS"):
    PASSWORD_HASHERS.reverse()  # the suite signs in hundreds of times
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "display_name", "email"]},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
APPROVALS_NEEDED = environment.number("TRACKER_APPROVALS_NEEDED", 1, least=1)  # other people than requester and editor

# --- Data -------------------------------------------------------------------------------------------------------------
DATABASES = {"default": environment.database("TRACKER_DATABASE_URL")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = environment.text("TRACKER_REDIS_URL")
if not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise SettingError("TRACKER_REDIS_URL must look like redis://127.0.0.1:6379/0.")

# Where it is known outside the database which one it is (decisions/epoch.md): `redis`, files, or `none`
EPOCH_WITNESS = [place for place in environment.words("TRACKER_EPOCH_WITNESS", "redis") if place != "none"]
if wrong := [place for place in EPOCH_WITNESS if place != "redis" and not place.startswith("/")]:
    raise SettingError(f"TRACKER_EPOCH_WITNESS holds {wrong[0]!r}; each is redis or the absolute path of a file.")

# --- Celery: a doorbell, never the truth (engine.md). No results, no late acknowledgement, no eta, no retries --------
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "global_keyprefix": "tracker:",
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # what a crash loses, the due rows find again
CELERY_TASK_SOFT_TIME_LIMIT = 75
CELERY_TASK_TIME_LIMIT = 90
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Celery would close the connection around every task: a new one costs more than most steps. tracker/celery.py asks
# before each task whether it is still good, as Django does before each request.
CELERY_DB_REUSE_MAX = 1_000_000_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_IMPORTS = ["tracker.tasks"]

# --- Time and language ------------------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = environment.text("TRACKER_TIME_ZONE", "UTC")
OLD_AFTER_HOURS = environment.number("TRACKER_OLD_AFTER_HOURS", 24, least=1)  # facts not seen for so long are old
LANGUAGE_CODE = "en-gb"
USE_I18N = False

# --- REST -------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tracker.api.authentication.Token",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tracker.api.errors.handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Classic migration tracker",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [],  # enumerations stay where they are used (tracker/api/shapes.py)
}
KNOX_TOKEN_MODEL = "knox.AuthToken"  # noqa: S105 - a model, not a password
REST_KNOX = {"TOKEN_PREFIX": "cmt_", "AUTH_HEADER_PREFIX": "Bearer"}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["console"],
        "level": environment.text("TRACKER_LOG_LEVEL", "INFO"),
    },
    "loggers": {"azure": {"level": "WARNING"}, "markdown_it": {"level": "WARNING"}},
}
