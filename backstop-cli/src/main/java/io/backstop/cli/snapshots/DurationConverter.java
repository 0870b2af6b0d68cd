package io.backstop.cli.snapshots;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A length of time, for picocli: {@code 90s}, {@code 45m}, {@code 12h}, {@code 30d}, {@code 8w}, or ISO 8601's {@code P30D}. */
final class DurationConverter implements ITypeConverter<Duration> {
    private static final Pattern SHORT = Pattern.compile("(\\d{1,9})([smhdw])");
    private static final Duration LONGEST = Duration.ofDays(36_500);

    @Override
    public Duration convert(String value) {
        Duration duration = read(value);
        if (duration.isNegative() || duration.compareTo(LONGEST) > 0) {
            throw new TypeConversionException("a time from 0s to 36500d is needed");
        }
        return duration;
    }

    private static Duration read(String value) {
        Matcher matcher = SHORT.matcher(value);
        if (matcher.matches()) {
            long number = Long.parseLong(matcher.group(1));
            return switch (matcher.group(2)) {
                case "s" -> Duration.ofSeconds(number);
                case "m" -> Duration.ofMinutes(number);
                case "h" -> Duration.ofHours(number);
                case "d" -> Duration.ofDays(number);
                default -> Duration.ofDays(7 * number);
            };
        }
        try {
            return Duration.parse(value);
        } catch (DateTimeException e) {
            throw new TypeConversionException("\"" + value + "\" is not a time such as 90s, 45m, 12h, 30d, 8w or P30D");
        }
    }

    /** The shortest way to write it that {@link #convert} reads. */
    static String words(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds == 0) {
            return "0s";
        }
        if (seconds % 86_400 == 0) {
            return seconds / 86_400 + "d";
        }
        if (seconds % 3_600 == 0) {
            return seconds / 3_600 + "h";
        }
        return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
    }
}
