"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsboard.settings")
# A page that takes this long helps nobody; workers may take longer.
os.environ.setdefault("OPSBOARD_STATEMENT_SECONDS", "20")

application = get_wsgi_application()
