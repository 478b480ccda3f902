import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.ClientCertificateCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** A registered application reads a secret, with a client secret and with a certificate. Prints what. */
final class Registrations {
    private static final String TENANT = System.getenv("AZURE_TENANT_ID");
    private static final String CLIENT = System.getenv("SHOP_CLIENT");
    private static final String SECRET = System.getenv("SHOP_SECRET");

    static void everyWay() throws Exception {
        String pem = System.getenv("SHOP_PEM");
        Map<String, TokenCredential> ways = new LinkedHashMap<>();
        ways.put("secret", new ClientSecretCredentialBuilder().tenantId(TENANT).clientId(CLIENT).clientSecret(SECRET).build());
        ways.put("certificate", certificate(pem).build());
        ways.put("certificate with its chain", certificate(pem).sendCertificateChain(true).build());
        Map<String, String> found = new LinkedHashMap<>();
        for (Map.Entry<String, TokenCredential> way : ways.entrySet()) {
            var client = new SecretClientBuilder().vaultUrl(System.getenv("VAULT_URL")).credential(way.getValue()).buildClient();
            found.put(way.getKey(), client.getSecret("greeting").getValue());
            way.getValue().getTokenSync(new TokenRequestContext().addScopes("https://storage.azure.com/.default"));
        }
        found.put("msal, secret", msal(ClientCredentialFactory.createFromSecret(SECRET)));
        try (var pfx = Files.newInputStream(Path.of(System.getenv("SHOP_PFX")))) {
            found.put("msal, certificate", msal(ClientCredentialFactory.createFromCertificate(pfx, "changeit")));
        }
        StringBuilder json = new StringBuilder();
        found.forEach((way, value) -> json.append(json.isEmpty() ? "{" : ", ").append('"' + way + "\": \"" + value + '"'));
        System.out.println(json.append('}'));
    }

    private static ClientCertificateCredentialBuilder certificate(String pem) {
        return new ClientCertificateCredentialBuilder().tenantId(TENANT).clientId(CLIENT).pemCertificate(pem);
    }

    private static String msal(com.microsoft.aad.msal4j.IClientCredential proof) throws Exception {
        var application = ConfidentialClientApplication.builder(CLIENT, proof)
            .authority(System.getenv("AZURE_AUTHORITY_HOST") + "/" + TENANT + "/").build();
        var wanted = ClientCredentialParameters.builder(Set.of("https://vault.azure.net/.default")).build();
        return application.acquireToken(wanted).get().accessToken().isEmpty() ? "" : "a token";
    }
}
