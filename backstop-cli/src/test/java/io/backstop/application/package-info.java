/** Applications as their frameworks make them, with the driver's URL and nothing else of Backstop. */
package io.backstop.application;
