"""What each client does in each column, and why it cannot where it cannot.

Owns the expectations. A reason names the file of the client's own source, and its rule there.
"""

from __future__ import annotations

from tests.clients.matrix.cells import CERTIFICATE, DEFAULT_CHAIN, SECRET, SIGN_IN, Cell, Row, Ways, Whose

ISOLATED = ("--isolate",)

#: No identity is named, and one is by its client ID.
BARE: Ways = {"managed identity": Whose.SYSTEM}
NAMED: Ways = {**BARE, "client ID": Whose.NAMED}
CHAIN: Ways = {"default": Whose.SYSTEM}
EVERY_ID: Ways = {"object ID": Whose.NAMED, "resource ID": Whose.NAMED}
ENVIRONMENT: Ways = {"environment": Whose.REGISTERED}
WORKLOAD: Ways = {"workload identity": Whose.SYSTEM}
PERSON = Cell({"device code": Whose.PERSON})

NO_CHAIN = Cell({}, "The library has no chain of credentials: a program picks one.")
AS_TOLD = "The library takes nothing from the environment by itself: the program hands it over."


def python(client: str) -> Row:
    def unnamed(words: str) -> Ways:
        return {**BARE, **CHAIN, "client ID": words}

    title = f"Python: azure-identity, {client}"
    nobody = Cell({}, "`azure/identity/aio/__init__.py` has no credential that asks a person.")
    ids = EVERY_ID if client == "sync" else {"resource ID": Whose.NAMED}
    every = Cell({**NAMED, **CHAIN, **ids})
    return Row(
        title,
        "python",
        client,
        {
            "app-service": every,
            "app-service-2017": Cell({**NAMED, **CHAIN}),
            "cloud-shell": Cell(unnamed("client_id should not be set for cloud shell")),
            "imds": every,
            "arc": every,
            "service-fabric": Cell(unnamed("is not supported by the Service Fabric managed identity environment")),
            "workload-identity": Cell({**WORKLOAD, **NAMED, **CHAIN}),
            SECRET: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
            CERTIFICATE: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
            SIGN_IN: PERSON if client == "sync" else nobody,
        },
    )


PYTHON_MSAL = Row(
    "Python: msal",
    "python",
    "msal",
    {
        "app-service": Cell({**NAMED, **EVERY_ID}),
        "app-service-2017": Cell(NAMED),
        "cloud-shell": Cell(
            {"cloud shell": Whose.SYSTEM},
            "Only with `--isolate`: `msal/cloudshell.py` asks at `localhost:50342`, whatever `MSI_ENDPOINT` says.",
            ISOLATED,
        ),
        "imds": Cell({**NAMED, **EVERY_ID}),
        "arc": Cell({**NAMED, **EVERY_ID}),
        "service-fabric": Cell(BARE),
        "workload-identity": Cell(WORKLOAD, AS_TOLD),
        SECRET: Cell(ENVIRONMENT, AS_TOLD),
        CERTIFICATE: Cell(ENVIRONMENT, AS_TOLD),
        DEFAULT_CHAIN: NO_CHAIN,
        SIGN_IN: PERSON,
    },
)

JAVASCRIPT = Row(
    "JavaScript: @azure/identity",
    "javascript",
    "azure",
    {
        "app-service": Cell({**NAMED, **CHAIN}),
        "app-service-2017": Cell({**NAMED, **CHAIN}),
        "cloud-shell": Cell({**BARE, **CHAIN, "client ID": "is not supported for CloudShell"}),
        "imds": Cell({**NAMED, **CHAIN}),
        # the first credential of a process decides where all ask, and its checks are the only ones
        "arc": Cell({"client ID": "can only be system assigned", **BARE, **CHAIN}),
        "service-fabric": Cell(
            {
                **BARE,
                **CHAIN,
                "client ID": "is not supported by the Service Fabric managed identity environment",
            }
        ),
        "workload-identity": Cell({**WORKLOAD, **NAMED, **CHAIN}),
        SECRET: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
        CERTIFICATE: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
        SIGN_IN: PERSON,
    },
)

_NO_PROXY_VARIABLES = (
    "Only with `--isolate`: `msal-node/src/network/HttpClient.ts` takes a proxy from its configuration, never from a "
    "variable; and it takes nothing else from the environment by itself: the program hands it over."
)

JAVASCRIPT_MSAL = Row(
    "JavaScript: @azure/msal-node",
    "msal-node",
    "msal",
    {
        "app-service": Cell(NAMED),
        "app-service-2017": Cell(NAMED),
        "cloud-shell": Cell(BARE),
        "imds": Cell(NAMED),
        "arc": Cell({"client ID": "can only be system assigned", **BARE}),
        "service-fabric": Cell(BARE),
        "workload-identity": Cell(WORKLOAD, _NO_PROXY_VARIABLES, ISOLATED),
        SECRET: Cell(ENVIRONMENT, _NO_PROXY_VARIABLES, ISOLATED),
        CERTIFICATE: Cell(ENVIRONMENT, _NO_PROXY_VARIABLES, ISOLATED),
        DEFAULT_CHAIN: NO_CHAIN,
        SIGN_IN: Cell({"device code": Whose.PERSON}, _NO_PROXY_VARIABLES, ISOLATED),
    },
)

GO = Row(
    "Go: azidentity",
    "go",
    "azure",
    {
        "app-service": Cell({**NAMED, **CHAIN}),
        "app-service-2017": Cell({**NAMED, **CHAIN}),
        "cloud-shell": Cell({**BARE, **CHAIN, "client ID": "doesn't support user-assigned managed identities"}),
        "imds": Cell(
            {**NAMED, **CHAIN},
            "Only with `--isolate`: no variable moves the address in "
            "`microsoft-authentication-library-for-go/apps/managedidentity/managedidentity.go`.",
            ISOLATED,
        ),
        "arc": Cell({**NAMED, **CHAIN}),
        "service-fabric": Cell({**BARE, **CHAIN, "client ID": "doesn't support specifying a user-assigned identity"}),
        "workload-identity": Cell({**WORKLOAD, **CHAIN}),
        SECRET: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
        CERTIFICATE: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
        SIGN_IN: PERSON,
    },
)

_NO_SECRET_SENT = (
    "msal4j takes `MSI_ENDPOINT` for Cloud Shell (`ManagedIdentityClient.java`), and then sends no secret "
    "(`CloudShellManagedIdentitySource.java`)."
)

JAVA = Row(
    "Java: azure-identity",
    "java",
    "azure",
    {
        "app-service": Cell({**NAMED, **CHAIN}),
        "app-service-2017": Cell({"managed identity": "secret is missing, or is not this instance's"}, _NO_SECRET_SENT),
        "cloud-shell": Cell({**BARE, **CHAIN}),
        "imds": Cell({**NAMED, **CHAIN}),
        "arc": Cell({**NAMED, **CHAIN}),
        "service-fabric": Cell(
            {**BARE, **CHAIN, "client ID": "is not supported by the Service Fabric managed identity environment"}
        ),
        "workload-identity": Cell({**WORKLOAD, **NAMED, **CHAIN}),
        SECRET: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
        CERTIFICATE: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
        SIGN_IN: PERSON,
    },
)

JAVA_MSAL = Row(
    "Java: msal4j",
    "java",
    "msal",
    {
        "app-service": Cell(NAMED),
        "app-service-2017": Cell({"managed identity": "secret is missing, or is not this instance's"}, _NO_SECRET_SENT),
        "cloud-shell": Cell(BARE),
        "imds": Cell(NAMED),
        "arc": Cell(NAMED),
        "service-fabric": Cell(BARE),
        "workload-identity": Cell(WORKLOAD, AS_TOLD),
        SECRET: Cell(ENVIRONMENT, AS_TOLD),
        CERTIFICATE: Cell(ENVIRONMENT, AS_TOLD),
        DEFAULT_CHAIN: NO_CHAIN,
        SIGN_IN: PERSON,
    },
)

DOTNET = Row(
    ".NET: Azure.Identity, in azmcp",
    "dotnet",
    "azmcp",
    {
        "app-service": Cell({**NAMED, **CHAIN}),
        "app-service-2017": Cell({**BARE, **CHAIN}),
        "cloud-shell": Cell({**BARE, **CHAIN}),
        "imds": Cell({**NAMED, **CHAIN}),
        "arc": Cell({**BARE, **CHAIN}),
        "service-fabric": Cell({**BARE, **CHAIN}),
        "workload-identity": Cell({**WORKLOAD, **CHAIN}),
        SECRET: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
        CERTIFICATE: Cell({**ENVIRONMENT, "default": Whose.REGISTERED}),
        DEFAULT_CHAIN: Cell(
            {}, "The program's own chain, of the same three credentials (`CustomChainedCredential.cs`)."
        ),
        SIGN_IN: Cell(
            {"device code": "Persistence check failed"},
            "`CustomChainedCredential.cs` of azmcp keeps a person's tokens in the keyring of a desktop only: "
            "without one it stops before it asks for a code.",
        ),
    },
)

AZ = Row(
    "`az` (azure-cli)",
    "az",
    "az",
    {
        "app-service": Cell(NAMED),
        "app-service-2017": Cell(BARE),
        "cloud-shell": Cell(
            {"cloud shell": Whose.SYSTEM},
            "Only with `--isolate`, for the same reason as msal, which is what `az` asks with.",
            ISOLATED,
        ),
        "imds": Cell(BARE),
        "arc": Cell(BARE),
        "service-fabric": Cell(BARE),
        "workload-identity": Cell(WORKLOAD, "`az login --service-principal --federated-token`"),
        SECRET: Cell(ENVIRONMENT, "`az login --service-principal`"),
        CERTIFICATE: Cell(ENVIRONMENT, "`az login --service-principal --certificate`"),
        DEFAULT_CHAIN: Cell({}, "It is a link of that chain itself, and has none."),
        SIGN_IN: PERSON,
    },
)

ROWS = (
    python("sync"),
    python("aio"),
    PYTHON_MSAL,
    JAVASCRIPT,
    JAVASCRIPT_MSAL,
    GO,
    JAVA,
    JAVA_MSAL,
    DOTNET,
    AZ,
)
PROGRAMS = tuple(dict.fromkeys(row.program for row in ROWS))
