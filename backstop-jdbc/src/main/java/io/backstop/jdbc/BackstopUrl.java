package io.backstop.jdbc;

import org.jspecify.annotations.Nullable;

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
    static BackstopUrl parse(String url, @Nullable Properties given) throws InvalidSettingException {
        Properties properties = given == null ? new Properties() : given;
        Map<Setting, String> settings = new EnumMap<>(Setting.class);
        Properties rest = new Properties();
        for (Object key : properties.keySet()) { // not those of the defaults, which stringPropertyNames has
            if (key instanceof String name && isOurs(name) && properties.getProperty(name) == null) {
                throw new InvalidSettingException("the property " + name + " is not a text", "set it with setProperty");
            }
        }
        for (String name : properties.stringPropertyNames()) {
            if (isOurs(name)) {
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
        Map<Setting, String> ofUrl = new EnumMap<>(Setting.class);
        StringJoiner parameters = new StringJoiner("&", "?", "").setEmptyValue("");
        for (String parameter : plain.substring(question + 1).split("&", -1)) {
            Optional<String> secret = secretIn(parameter);
            int equals = parameter.indexOf('=');
            String name = decodedName(equals < 0 ? parameter : parameter.substring(0, equals));
            if (isOurs(name)) {
                String value = decoded(name, equals < 0 ? "" : parameter.substring(equals + 1));
                String before = ofUrl.put(setting(name), value);
                if (before != null && !before.equals(value)) {
                    throw new InvalidSettingException(
                            "the URL has " + name + " twice, with different values", "leave one of them out");
                }
            } else if (secret.isPresent()) {
                String value = parameter.substring(secret.get().length() + 1);
                rest.setProperty(secret.get(), decoded(secret.get(), value));
            } else if (!parameter.isEmpty()) {
                parameters.add(parameter);
            }
        }
        settings.putAll(ofUrl);
        return new BackstopUrl(plain.substring(0, question) + parameters, rest, settings);
    }

    /** However it is written: what is meant for Backstop must not be passed over in silence. */
    private static boolean isOurs(String name) {
        return name.regionMatches(true, 0, Setting.PREFIX, 0, Setting.PREFIX.length());
    }

    private static String decodedName(String name) {
        try {
            return URLDecoder.decode(name, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return name; // it is not one of ours, and pgjdbc knows what to do with it
        }
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
