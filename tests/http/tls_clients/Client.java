import java.io.FileInputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Arguments: PORT HOST CA-FILE, again and again. Prints "ok" or "refused" for each. */
class Client {
    public static void main(String[] args) throws Exception {
        for (int i = 0; i < args.length; i += 3) {
            var store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null);
            try (var file = new FileInputStream(args[i + 2])) {
                store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
            }
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            var context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            var port = Integer.parseInt(args[i]);
            var plain = new Socket("127.0.0.1", port);
            try (var socket = (SSLSocket) context.getSocketFactory().createSocket(plain, args[i + 1], port, true)) {
                var parameters = new SSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(parameters);
                socket.startHandshake();
                System.out.println("ok");
            } catch (SSLException refused) {
                System.out.println("refused");
            }
        }
    }
}
