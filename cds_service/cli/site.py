"""`cds-service site`: what the site file says, and what is in force."""

from cds_service.auth.clients import client_names, load_clients
from cds_service.cli.terminal import console, exit_with_mistakes, load_or_exit, settings_or_exit
from cds_service.errors import ContentError
from cds_service.guidance.model import Content
from cds_service.hooks.discovery import HOOKS
from cds_service.settings import Settings
from cds_service.site.describing import describe_site
from cds_service.site.opening import Site, open_site


def site() -> None:
    """Print what is in force at this site: each card with its mode and by which row, codes and intervals."""
    settings = settings_or_exit()
    for line in describe_site(open_site_or_exit(settings, load_or_exit(settings.cards))):
        console.print(line, markup=False, highlight=False)


def open_site_or_exit(settings: Settings, content: Content) -> Site:
    """The site of the settings; exits with status 1 and every mistake where there is one."""
    try:
        clients = load_clients(settings.clients) if settings.clients else None
        return open_site(settings.site, content, HOOKS, client_names(clients))
    except ContentError as error:
        exit_with_mistakes(error)
