/* NEED: ends a host at once where what it builds on is not so. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define NEED(condition)                                               \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)
