package io.backstop.testing;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Gives a test class the {@link S3Server} of the run as a parameter, and the AWS credentials chain of this JVM that
 * server's credentials for as long as the class runs.
 */
public final class S3Extension implements BeforeAllCallback, AfterAllCallback, ParameterResolver {
    private static final Namespace NAMESPACE = Namespace.create(S3Extension.class);
    private static final Map<String, String> CREDENTIALS = Map.of(
            "aws.accessKeyId", S3Server.ACCESS_KEY,
            "aws.secretAccessKey", S3Server.SECRET_KEY,
            "aws.region", S3Server.REGION);

    @Override
    public void beforeAll(ExtensionContext context) {
        server(context);
        Map<String, String> previous = new LinkedHashMap<>();
        CREDENTIALS.forEach((key, value) -> previous.put(key, System.setProperty(key, value)));
        context.getStore(NAMESPACE).put("previous", previous);
    }

    @Override
    @SuppressWarnings("unchecked") // put there above
    public void afterAll(ExtensionContext context) {
        Map<String, String> previous = context.getStore(NAMESPACE).get("previous", Map.class);
        previous.forEach((key, value) -> {
            if (value == null) {
                System.clearProperty(key);
            } else {
                System.setProperty(key, value);
            }
        });
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == S3Server.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return server(context);
    }

    private static S3Server server(ExtensionContext context) {
        return context.getRoot()
                .getStore(NAMESPACE)
                .getOrComputeIfAbsent(S3Server.class, key -> start(), S3Server.class);
    }

    private static S3Server start() {
        try {
            return S3Server.start();
        } catch (Exception e) {
            throw new IllegalStateException("no S3 server could be started for the tests", e);
        }
    }
}
