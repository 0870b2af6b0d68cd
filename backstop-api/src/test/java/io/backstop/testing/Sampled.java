package io.backstop.testing;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A class with many cases of each kind: of each parameterised test, the first case and every n-th after it run, n by the system
 * property {@value #EVERY}; all of them where that is 1, as in the profile {@code long}.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(Sampled.Cases.class)
public @interface Sampled {
    /** The property; {@value #DEFAULT} where it is not set. */
    String EVERY = "backstop.test.every";

    int DEFAULT = 3;

    /** Decides about each case. */
    final class Cases implements ExecutionCondition {
        private static final Pattern CASE = Pattern.compile("test-template-invocation:#(\\d+)]$");

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            int every = Integer.getInteger(EVERY, DEFAULT);
            Matcher number = CASE.matcher(context.getUniqueId());
            return !number.find() || (Integer.parseInt(number.group(1)) - 1) % every == 0
                    ? ConditionEvaluationResult.enabled("a case of the sample")
                    : ConditionEvaluationResult.disabled("-D" + EVERY + "=1 runs all cases");
        }
    }
}
