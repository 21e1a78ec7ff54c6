"""What a provider's preset adds to an account of the file; what the file says itself always stands.

A preset says how to reach the servers and how to log in. What a submission server does with mail is known of
it however the file names it, so that facts about From hold for a bare URL as well.
"""

from collections.abc import Mapping

from ccc.config.account import Account, Auth, OAuth
from ccc.config.provider import REGION, TENANT, Login, Provider, provider, provider_of_host
from ccc.config.values import Said
from ccc.errors import ConfigurationError
from ccc.transport.server import Security, Server, from_url

_TLS_OF_URLS = "smtps:// and smtp:// in the URL say how a server is reached; "
COMMON = "common"  # Microsoft's tenant for every account


def completed(account: Account, table: Mapping[str, object], where: Said) -> Account:
    """The account with all that is known; `table` has what the file says of it."""
    if account.via and account.smtp:
        raise where._replace(key="via", value=None).bad(
            "smtp and via are two ways out", "leave one of them out"
        )
    _check_idle(account, table, where)
    preset = _named(account, where) if account.provider else None
    if preset:
        account = _reached(account, preset, table, where)
    account = account._replace(auth=_auth(account, preset, table, where))
    facts = preset if preset or not account.smtp else _at(account.smtp)
    return _with_facts(account, facts, table) if facts and account.smtp else account


def _named(account: Account, where: Said) -> Provider:
    """The preset that the account names, if one can send mail by it."""
    said = where._replace(key="provider", value=account.provider)
    try:
        preset = provider(account.provider)
    except ConfigurationError as error:
        raise said.bad(error.what, error.cure) from error
    if preset.impossible:
        raise said.bad(f"{preset.name} is not possible: {preset.impossible}", "use another provider")
    if preset.smtp and REGION in preset.smtp.host:
        raise said.wrong("lacks its region", f'write {said.key} = "{preset.name}:eu-west-1"')
    return preset


def _reached(account: Account, preset: Provider, table: Mapping[str, object], where: Said) -> Account:
    """The account with the servers of its provider and the way to its tokens."""
    if "tenant" in table and TENANT not in preset.oauth.token_url:
        raise where._replace(key="tenant").bad(f"{preset.name} has no tenants", "leave it out")
    said, tenant = str(table.get("login", "")), str(table.get("tenant", COMMON))
    smtp, imap = account.smtp, account.imap
    if not smtp and not account.via:
        smtp = _url(preset.smtp, "smtp", _user(preset, preset.login, said, account))
    if not imap:
        imap = _url(preset.imap, "imap", _user(preset, preset.imap_login, said, account))
    if "login" in table and smtp == account.smtp and imap == account.imap:
        raise where._replace(key="login").bad("smtp and imap name the user already", "leave it out")
    return account._replace(smtp=smtp, imap=imap, oauth=_tokens(account.oauth, preset.oauth, tenant))


def _user(preset: Provider, form: Login, said: str, account: Account) -> str | None:
    """The user name for a server, empty if nobody logs in; None if the file does not tell it."""
    address = account.address.addr_spec if account.address else ""
    match form:
        case Login.NONE:
            return ""
        case Login.FIXED:
            return said or preset.user
        case Login.OWN:
            return said or None
        case Login.LOCAL:
            return (said or address).rpartition("@")[0] or said or None
        case Login.ADDRESS:
            return said or address or None


def _url(server: Server | None, kind: str, user: str | None) -> str:
    """The URL of a server with its user; empty if either is not known."""
    if server is None or user is None:
        return ""
    from urllib.parse import quote

    scheme = kind + "s" * (server.security is Security.IMPLICIT)
    login = f"{quote(user, safe='')}@" if user else ""  # RFC 3986, 3.2.1
    return f"{scheme}://{login}{server.host}:{server.port}"


def _tokens(said: OAuth, known: OAuth, tenant: str) -> OAuth:
    """Where tokens come from: what the file says, else what is known of the provider."""
    return said._replace(
        authorize_url=said.authorize_url or known.authorize_url.replace(TENANT, tenant),
        token_url=said.token_url or known.token_url.replace(TENANT, tenant),
        device_url=said.device_url or known.device_url.replace(TENANT, tenant),
        scopes=said.scopes or known.scopes,
    )


def _auth(account: Account, preset: Provider | None, table: Mapping[str, object], where: Said) -> Auth:
    """How the user logs in: as the file says, else as its other keys have it, else as the provider wants."""
    if "auth" in table:
        return account.auth
    password = next((key for key in ("password_command", "password_file") if key in table), "")
    token = next((key for key in ("token_command", "client_id") if key in table), "")
    if password and token:
        raise where._replace(key=token).bad(
            f"{password} is another way to log in", 'add auth = "oauth" or auth = "password"'
        )
    if password or token:
        return Auth.PASSWORD if password else Auth.OAUTH
    return preset.auth if preset else Auth.PASSWORD


def _with_facts(account: Account, preset: Provider, table: Mapping[str, object]) -> Account:
    """The account with what its submission server is known to do with mail."""
    return account._replace(
        provider=preset.name,
        refused_fields=preset.refused_fields,
        from_policy=account.from_policy if "from_policy" in table else preset.from_policy,
        stores_sent=account.stores_sent if "stores_sent" in table else bool(preset.stores_sent),
        strip=account.strip if "strip" in table else preset.strip,
    )


def _at(url: str) -> Provider | None:
    return provider_of_host(from_url(url).host)


def _check_idle(account: Account, table: Mapping[str, object], where: Said) -> None:
    """Refuse what would mean nothing."""
    for key in ("login", "tenant"):
        if key in table and not account.provider:
            raise where._replace(key=key).bad(
                "it means nothing without provider", "add provider, or leave it out"
            )
    for key in ("tls", "allow_private_mx"):
        if key in table and account.via != "mx":
            raise where._replace(key=key).bad(
                'it means nothing without via = "mx"', f"{_TLS_OF_URLS if key == 'tls' else ''}leave it out"
            )
