package io.backstop.jdbc;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.StringJoiner;

/**
 * A {@code jdbc:backstop:postgresql:} URL with its properties, taken apart: what is Backstop's, and what pgjdbc gets.
 *
 * @param postgresUrl the URL for pgjdbc, without passwords
 * @param postgresProperties the properties for pgjdbc
 * @param settings Backstop's settings; a URL parameter wins over a property, as in pgjdbc
 */
record BackstopUrl(String postgresUrl, Properties postgresProperties, Map<Setting, String> settings) {
    static final String PREFIX = "jdbc:backstop:postgresql:";

    /** Handed over as properties, because pgjdbc's errors repeat the URL. */
    private static final List<String> SECRETS = List.of("password", "sslpassword");

    static boolean accepts(String url) {
        return url.startsWith(PREFIX);
    }

    /**
     * @throws InvalidSettingException for a key with the prefix {@code backstop.} that is not a setting
     */
    static BackstopUrl parse(String url, Properties properties) throws InvalidSettingException {
        Map<Setting, String> settings = new EnumMap<>(Setting.class);
        Properties rest = new Properties();
        for (String name : properties.stringPropertyNames()) {
            if (name.startsWith(Setting.PREFIX)) {
                settings.put(setting(name), properties.getProperty(name));
            } else {
                rest.setProperty(name, properties.getProperty(name));
            }
        }
        String plain = "jdbc:" + url.substring("jdbc:backstop:".length());
        int question = plain.indexOf('?');
        if (question < 0) {
            return new BackstopUrl(plain, rest, settings);
        }
        StringJoiner parameters = new StringJoiner("&", "?", "").setEmptyValue("");
        for (String parameter : plain.substring(question + 1).split("&", -1)) {
            Optional<String> secret = secretIn(parameter);
            if (parameter.startsWith(Setting.PREFIX)) {
                int equals = parameter.indexOf('=');
                String name = equals < 0 ? parameter : parameter.substring(0, equals);
                String value = equals < 0 ? "" : parameter.substring(equals + 1);
                settings.put(setting(name), decoded(name, value));
            } else if (secret.isPresent()) {
                String value = parameter.substring(secret.get().length() + 1);
                rest.setProperty(secret.get(), decoded(secret.get(), value));
            } else if (!parameter.isEmpty()) {
                parameters.add(parameter);
            }
        }
        return new BackstopUrl(plain.substring(0, question) + parameters, rest, settings);
    }

    private static Optional<String> secretIn(String parameter) {
        return SECRETS.stream().filter(name -> parameter.startsWith(name + "=")).findFirst();
    }

    private static Setting setting(String key) throws InvalidSettingException {
        Optional<Setting> setting = Setting.of(key);
        if (setting.isEmpty()) {
            throw new InvalidSettingException(
                    "unknown setting " + key, "the settings are " + Setting.allKeys() + "; all others go to pgjdbc");
        }
        return setting.get();
    }

    private static String decoded(String name, String value) throws InvalidSettingException {
        try {
            return URLDecoder.decode(value, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            // Without the cause: it repeats a part of the value, which may be a password.
            throw new InvalidSettingException("setting " + name + " is not URL-encoded", "write a percent sign as %25");
        }
    }
}
