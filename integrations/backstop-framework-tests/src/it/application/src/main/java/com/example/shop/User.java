package com.example.shop;

/** A user as the HTTP interface shows it. */
public record User(long id, String name) {}
