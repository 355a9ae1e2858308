/* What the test programs share. */
#ifndef CHECK_H
#define CHECK_H

#include <gemmule.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\nlast error: %s\n", __FILE__, __LINE__, #condition, gemmule_last_error());      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#define OK(call) CHECK((call) == GEMMULE_STATUS_OK)

/* The call must fail so, and say why. */
#define FAILS(status, part, call)                                                                                      \
    do {                                                                                                               \
        CHECK((call) == (status));                                                                                     \
        CHECK(strstr(gemmule_last_error(), (part)) != NULL);                                                           \
    } while (0)

#endif
