import com.azure.core.credential.TokenCredential;
import com.azure.identity.DefaultAzureCredentialBuilder;
import java.util.Objects;
import java.util.function.Function;

/** The official libraries for Java against a server: its argument names the work. Prints "ok" or what it found. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "identities" -> Identities.everyWay();
            case "matrix" -> Matrix.everyWay();
            case "stranger" -> Identities.stranger();
            case "secrets" -> Secrets.life();
            case "blobs" -> Blobs.life();
            case "account" -> Account.whole();
            case "state" -> State.whole();
            case "sharing" -> Sharing.whole();
            case "kinds" -> Kinds.whole();
            case "operations" -> Operations.print();
            case "refusals" -> Refusals.asTold();
            case "registrations" -> Registrations.everyWay();
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        System.exit(0); // the libraries' threads would run on
    }

    static TokenCredential credential() {
        return new DefaultAzureCredentialBuilder().build();
    }

    static void same(Object found, Object expected) {
        if (!Objects.deepEquals(found, expected)) {
            throw new AssertionError("found " + found + ", expected " + expected);
        }
    }

    /** The call must fail with this type of exception, and with this told of it. */
    static <E extends Exception> void fails(Object expected, Class<E> type, Function<E, Object> told, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException failure) {
            same(told.apply(type.cast(failure)), expected);
            return;
        }
        throw new AssertionError("it went well, expected " + expected);
    }
}
