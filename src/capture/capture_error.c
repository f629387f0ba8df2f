/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the capture room, as one line that says what to do. Any thread. */
#include "capture/capture_error.h"

#include <limits.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void capture_error_set(struct capture_error *error, enum capture_error_kind kind,
                       const char *format, ...)
{
    error->kind = kind;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    for (char *c = error->text; *c != '\0'; c++) {
        if (*c == '\n')
            *c = ' '; /* one line, whatever libpcap put into it */
    }
}

static void set_no_permission(struct capture_error *error, const char *interface)
{
    char program[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    capture_error_set(error, CAPTURE_ERROR_PERMISSION,
                      "%s: no permission to capture: run as root or `setcap cap_net_raw+ep %.300s`",
                      interface, length > 0 ? program : "whyflow");
}

void capture_error_set_live(struct capture_error *error, const char *interface, int status,
                            const char *detail)
{
    switch (status) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        set_no_permission(error, interface);
        return;
    case PCAP_ERROR_NO_SUCH_DEVICE:
        capture_error_set(error, CAPTURE_ERROR_PERMISSION,
                          "%s: no such interface: `whyflow -D` lists those there are", interface);
        return;
    case PCAP_ERROR_IFACE_NOT_UP:
        capture_error_set(error, CAPTURE_ERROR_PERMISSION,
                          "%s: the interface is down: `ip link set %s up`", interface, interface);
        return;
    default:
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "%s: %s: %s", interface,
                          pcap_statustostr(status), detail);
    }
}
