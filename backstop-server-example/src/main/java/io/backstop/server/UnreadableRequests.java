package io.backstop.server;

import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

import java.nio.ByteBuffer;

/** Answers what Jetty refuses before any endpoint sees it, in the same words as everything else. Thread-safe. */
final class UnreadableRequests implements Request.Handler {
    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, Json.MEDIA_TYPE);
        response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
        byte[] body = Json.bytes(Answers.problem(response.getStatus()));
        response.write(true, ByteBuffer.wrap(body), callback);
        return true;
    }
}
