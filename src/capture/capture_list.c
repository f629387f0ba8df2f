/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of interfaces (-D) and of an interface's link types (-L). Called by main before a run. */
#include "capture/capture.h"
#include "capture/capture_error.h"

#include <pcap/pcap.h>

bool capture_list_interfaces(FILE *out, struct capture_error *error)
{
    char detail[PCAP_ERRBUF_SIZE] = "";
    pcap_if_t *interfaces = NULL;
    if (pcap_findalldevs(&interfaces, detail) != 0) {
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "cannot list interfaces: %s", detail);
        return false;
    }
    for (const pcap_if_t *interface = interfaces; interface != NULL; interface = interface->next)
        (void)fprintf(out, "%s%s%s%s%s\n", interface->name,
                      (interface->flags & PCAP_IF_UP) != 0 ? " up" : " down",
                      (interface->flags & PCAP_IF_LOOPBACK) != 0 ? " loopback" : "",
                      interface->description != NULL ? " " : "",
                      interface->description != NULL ? interface->description : "");
    pcap_freealldevs(interfaces);
    if (ferror(out) == 0)
        return true;
    capture_error_set(error, CAPTURE_ERROR_SYSTEM, "cannot write the list");
    return false;
}

static bool print_link_types(pcap_t *pcap, const char *interface, FILE *out,
                             struct capture_error *error)
{
    int *types = NULL;
    const int count = pcap_list_datalinks(pcap, &types);
    if (count < 0) {
        capture_error_set_live(error, interface, count, pcap_geterr(pcap));
        return false;
    }
    for (int i = 0; i < count; i++) {
        const char *name = pcap_datalink_val_to_name(types[i]);
        const char *meaning = pcap_datalink_val_to_description(types[i]);
        (void)fprintf(out, "%s (%s)\n", name != NULL ? name : "?", meaning != NULL ? meaning : "?");
    }
    pcap_free_datalinks(types);
    return true;
}

bool capture_list_link_types(const char *interface, FILE *out, struct capture_error *error)
{
    char detail[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap = pcap_create(interface, detail);
    if (pcap == NULL) {
        capture_error_set_live(error, interface, PCAP_ERROR, detail);
        return false;
    }
    const int status = pcap_activate(pcap);
    bool is_listed = false;
    if (status < 0)
        capture_error_set_live(error, interface, status, pcap_geterr(pcap));
    else
        is_listed = print_link_types(pcap, interface, out, error);
    pcap_close(pcap);
    return is_listed;
}
