/* SPDX-License-Identifier: Apache-2.0 */
/* The floor that speed is measured against: libpcap's loop over a file and nothing else. Called by
 * scripts/bench. Prints packets and bytes, so that the loop cannot be left out. */
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: floor FILE\n", stderr);
        return 2;
    }
    char error[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_open_offline(argv[1], error);
    if (pcap == NULL) {
        fprintf(stderr, "floor: %s\n", error);
        return 1;
    }
    uint64_t packets = 0;
    uint64_t bytes = 0;
    struct pcap_pkthdr *header;
    const unsigned char *data;
    int status;
    while ((status = pcap_next_ex(pcap, &header, &data)) == 1) {
        packets++;
        bytes += header->len;
    }
    pcap_close(pcap);
    printf("%" PRIu64 " packets %" PRIu64 " bytes\n", packets, bytes);
    return status == PCAP_ERROR_BREAK ? 0 : 1;
}
