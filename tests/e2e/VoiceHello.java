import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/** Prints the first message of the WebSocket at the address that is the only argument. */
public class VoiceHello {
    public static void main(String[] arguments) throws Exception {
        CompletableFuture<String> first = new CompletableFuture<>();
        WebSocket.Listener listener = new WebSocket.Listener() {
            @Override
            public CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
                first.complete(text.toString());
                return null;
            }
        };
        HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(arguments[0]), listener)
            .get(10, TimeUnit.SECONDS);
        System.out.println(first.get(10, TimeUnit.SECONDS));
        System.exit(0);
    }
}
