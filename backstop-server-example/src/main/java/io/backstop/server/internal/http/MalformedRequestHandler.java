package io.backstop.server.internal.http;

import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

import java.nio.ByteBuffer;

/** Answers requests that Jetty refuses before an endpoint sees them, in the form of all other errors. Thread-safe. */
public final class MalformedRequestHandler implements Request.Handler {
    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, HttpJson.MEDIA_TYPE);
        response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
        byte[] body = HttpJson.bytes(ResponseWriter.problem(response.getStatus()));
        response.write(true, ByteBuffer.wrap(body), callback);
        return true;
    }
}
