/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of interfaces (-D) and of link types (-L), and the check of a filter (-T). Called by main
 * before a run. */
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

bool capture_list_file_link_types(const struct capture_settings *settings, FILE *out,
                                  struct capture_error *error)
{
    struct capture *const capture = capture_open_files(settings, error);
    if (capture == NULL)
        return false;
    for (size_t i = 0; i < capture_source_count(capture); i++)
        (void)fprintf(out, "%s: LINKTYPE %u\n", capture_source_name(capture, i),
                      capture_source_link_type(capture, i));
    capture_close(capture);
    return true;
}

bool capture_check_filter(const char *filter, struct capture_error *error)
{
    if (filter == NULL || filter[0] == '\0')
        return true;
    pcap_t *const pcap = pcap_open_dead(DLT_EN10MB, CAPTURE_SNAPLEN_MAX);
    struct bpf_program program;
    if (pcap == NULL) {
        capture_error_set(error, CAPTURE_ERROR_SYSTEM, "out of memory");
        return false;
    }
    const bool is_good = pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (is_good)
        pcap_freecode(&program);
    else
        capture_error_set(error, CAPTURE_ERROR_USAGE, "filter \"%.200s\": %s: see pcap-filter(7)",
                          filter, pcap_geterr(pcap));
    pcap_close(pcap);
    return is_good;
}
