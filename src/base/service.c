/* SPDX-License-Identifier: Apache-2.0 */
/* The table of services: IANA's names (registry of 2023, names in lower case) for the ports that
 * networks are seen to use, and some customary ones that IANA never assigned, marked `false`.
 * The flow room asks it which side is the server, the feature room for a flow's service, the
 * explain and format rooms for the words about a port. Constant data; any thread.
 *
 * Not the whole registry on purpose: it assigns names to six thousand ports, most of which are
 * today met as somebody's ephemeral port. A port is "known" only where that tells a server. */
#include "base/service.h"

#include <stddef.h>
#include <string.h>

enum { T = 1, U = 2, S = 4 };

/* Ascending by port; a port stands twice where its protocols carry different names. */
/* clang-format off */
static const struct service services[] = {
    {7, T | U, true, "echo"}, {9, T | U | S, true, "discard"}, {13, T | U, true, "daytime"},
    {17, T | U, true, "qotd"}, {19, T | U, true, "chargen"}, {20, T | U | S, true, "ftp-data"},
    {21, T | U | S, true, "ftp"}, {22, T | U | S, true, "ssh"}, {23, T | U, true, "telnet"},
    {25, T | U, true, "smtp"}, {37, T | U, true, "time"}, {42, T | U, true, "name"},
    {43, T | U, true, "nicname"}, {49, T | U, true, "tacacs"}, {53, T | U, true, "domain"},
    {67, T | U, true, "bootps"}, {68, T | U, true, "bootpc"}, {69, T | U, true, "tftp"},
    {70, T | U, true, "gopher"}, {79, T | U, true, "finger"}, {80, T | U | S, true, "http"},
    {88, T | U, true, "kerberos"}, {102, T | U, true, "iso-tsap"}, {104, T | U, true, "acr-nema"},
    {110, T | U, true, "pop3"}, {111, T | U, true, "sunrpc"}, {113, T | U, true, "auth"},
    {119, T | U, true, "nntp"}, {123, T | U, true, "ntp"}, {135, T | U, true, "epmap"},
    {137, T | U, true, "netbios-ns"}, {138, T | U, true, "netbios-dgm"},
    {139, T | U, true, "netbios-ssn"}, {143, T, true, "imap"}, {161, T | U, true, "snmp"},
    {162, T | U, true, "snmptrap"}, {177, T | U, true, "xdmcp"}, {179, T | U | S, true, "bgp"},
    {194, T | U, true, "irc"}, {199, T | U, true, "smux"}, {210, T | U, true, "z39-50"},
    {318, T | U, true, "pkix-timestamp"}, {319, T | U, true, "ptp-event"},
    {320, T | U, true, "ptp-general"}, {389, T | U, true, "ldap"}, {427, T | U, true, "svrloc"},
    {434, T | U, true, "mobileip-agent"}, {443, T | U | S, true, "https"},
    {445, T | U, true, "microsoft-ds"}, {464, T | U, true, "kpasswd"},
    {465, T, true, "submissions"}, {465, U, true, "igmpv3lite"}, {487, T | U, true, "saft"},
    {500, T | U, true, "isakmp"}, {502, T | U, true, "mbap"}, {512, T, true, "exec"},
    {512, U, true, "comsat"}, {513, T, true, "login"}, {513, U, true, "who"},
    {514, T, true, "shell"}, {514, U, true, "syslog"}, {515, T | U, true, "printer"},
    {517, T | U, true, "talk"}, {518, T | U, true, "ntalk"}, {520, T, true, "efs"},
    {520, U, true, "router"}, {521, T | U, true, "ripng"}, {540, T | U, true, "uucp"},
    {543, T | U, true, "klogin"}, {544, T | U, true, "kshell"}, {546, T | U, true, "dhcpv6-client"},
    {547, T | U, true, "dhcpv6-server"}, {548, T | U, true, "afpovertcp"},
    {554, T | U, true, "rtsp"}, {563, T | U, true, "nntps"}, {587, T | U, true, "submission"},
    {593, T | U, true, "http-rpc-epmap"}, {601, T | U, true, "syslog-conn"},
    {623, T, true, "oob-ws-http"}, {623, U, true, "asf-rmcp"}, {631, T | U, true, "ipp"},
    {636, T | U, true, "ldaps"}, {639, T | U, true, "msdp"}, {640, T | U, true, "entrust-sps"},
    {646, T | U, true, "ldp"}, {749, T | U, true, "kerberos-adm"}, {750, T, true, "rfile"},
    {750, U, true, "loadav"}, {751, T | U, true, "pump"}, {829, T | U, true, "pkix-3-ca-ra"},
    {830, T | U, true, "netconf-ssh"}, {853, T | U, true, "domain-s"}, {860, T | U, true, "iscsi"},
    {861, T, true, "owamp-control"}, {861, U, true, "owamp-test"}, {862, T, true, "twamp-control"},
    {862, U, true, "twamp-test"}, {873, T | U, true, "rsync"}, {902, T | U, true, "ideafarm-door"},
    {903, T | U, true, "ideafarm-panic"}, {953, T, true, "rndc"}, {989, T | U, true, "ftps-data"},
    {990, T | U, true, "ftps"}, {991, T | U, true, "nas"}, {993, T, true, "imaps"},
    {995, T | U, true, "pop3s"}, {1080, T | U, true, "socks"}, {1098, T | U, true, "rmiactivation"},
    {1099, T | U, true, "rmiregistry"}, {1194, T | U, true, "openvpn"},
    {1214, T | U, true, "kazaa"}, {1241, T | U, true, "nessus"}, {1311, T | U, true, "rxmon"},
    {1344, T | U, true, "icap"}, {1352, T | U, true, "lotusnote"},
    {1414, T | U, true, "ibm-mqseries"}, {1433, T | U, true, "ms-sql-s"},
    {1434, T | U, true, "ms-sql-m"}, {1494, T | U, true, "ica"}, {1503, T | U, true, "imtc-mcs"},
    {1512, T | U, true, "wins"}, {1521, T | U, true, "ncube-lm"}, {1526, T | U, true, "pdap-np"},
    {1589, T | U, true, "vqp"}, {1645, T | U, true, "sightline"},
    {1646, T | U, true, "sa-msg-port"}, {1701, T | U, true, "l2f"}, {1716, T | U, true, "xmsg"},
    {1718, T | U, true, "h323gatedisc"}, {1719, T | U, true, "h323gatestat"},
    {1720, T | U | S, true, "h323hostcall"}, {1723, T | U, true, "pptp"},
    {1755, T | U, true, "ms-streaming"}, {1801, T | U, true, "msmq"}, {1812, T | U, true, "radius"},
    {1813, T | U, true, "radius-acct"}, {1863, T | U, true, "msnp"}, {1883, T | U, true, "mqtt"},
    {1900, T | U, true, "ssdp"}, {1935, T | U, true, "macromedia-fcs"},
    {1967, T | U, true, "sns-quote"}, {1985, T | U, true, "hsrp"},
    {2000, T | U, true, "cisco-sccp"}, {2049, T | U | S, true, "nfs"}, {2055, T | U, true, "iop"},
    {2082, T | U, true, "infowave"}, {2083, T | U, true, "radsec"}, {2086, T | U, true, "gnunet"},
    {2087, T | U, true, "eli"}, {2095, T | U, true, "nbx-ser"}, {2096, T | U, true, "nbx-dir"},
    {2102, T | U, true, "zephyr-srv"}, {2103, T | U, true, "zephyr-clt"},
    {2121, T | U, true, "scientia-ssdb"}, {2123, T | U, true, "gtp-control"},
    {2152, T | U, true, "gtp-user"}, {2181, T | U, true, "eforward"}, {2195, T, false, "apns"},
    {2222, T | U, true, "ethernet-ip-1"}, {2375, T, true, "docker"}, {2376, T, true, "docker-s"},
    {2377, T, true, "swarm"}, {2379, T, true, "etcd-client"}, {2380, T, true, "etcd-server"},
    {2383, T | U, true, "ms-olap4"}, {2401, T | U, true, "cvspserver"},
    {2404, T | U, true, "iec-104"}, {2427, T | U, true, "mgcp-gateway"}, {2483, T | U, true, "ttc"},
    {2484, T | U, true, "ttc-ssl"}, {2535, T | U, true, "madcap"},
    {2598, T | U, true, "citriximaclient"}, {2628, T | U, true, "dict"},
    {2638, T | U, true, "sybaseanywhere"}, {2727, T | U, true, "mgcp-callagent"},
    {2775, T | U, true, "smpp"}, {2811, T | U, true, "gsiftp"}, {2905, T | S, true, "m3ua"},
    {2944, T | U | S, true, "megaco-h248"}, {2945, T | U | S, true, "h248-binary"},
    {2948, T | U, true, "wap-push"}, {2967, T | U, true, "ssc-agent"}, {3000, T | U, true, "hbci"},
    {3050, T | U, true, "gds-db"}, {3052, T | U, true, "apc-3052"}, {3074, T | U, true, "xbox"},
    {3128, T | U, true, "ndl-aas"}, {3130, T | U, true, "icpv2"}, {3205, T | U, true, "isns"},
    {3225, T | U, true, "fcip-port"}, {3260, T | U, true, "iscsi-target"},
    {3268, T | U, true, "msft-gc"}, {3269, T | U, true, "msft-gc-ssl"},
    {3283, T | U, true, "apple-remote-de"}, {3289, T | U, true, "enpc"}, {3300, T, true, "ceph"},
    {3306, T | U, true, "mysql"}, {3343, T | U, true, "ms-cluster-net"},
    {3386, T, true, "gprs-data"}, {3386, U, true, "gprs-sig"}, {3389, T | U, true, "ms-wbt-server"},
    {3478, T | U, true, "stun"}, {3479, T | U, true, "twrpc"}, {3480, T | U, true, "plethora"},
    {3483, T | U, true, "slim-devices"}, {3493, T | U, true, "nut"}, {3544, T | U, true, "teredo"},
    {3551, T | U, true, "apcupsd"}, {3632, T | U, true, "distcc"},
    {3659, T | U, true, "apple-sasl"}, {3671, T | U, true, "efcp"}, {3689, T | U, true, "daap"},
    {3690, T | U, true, "svn"}, {3702, T | U, true, "ws-discovery"},
    {3784, T | U, true, "bfd-control"}, {3785, T | U, true, "bfd-echo"},
    {3799, T | U, true, "radius-dynauth"}, {3868, T | S, true, "diameter"},
    {4070, T | U, true, "tripe"}, {4172, T | U, true, "pcoip"}, {4190, T, true, "sieve"},
    {4195, T | U | S, true, "aws-wsp"}, {4321, T | U, true, "rwhois"},
    {4353, T | U, true, "f5-iquery"}, {4369, T | U, true, "epmd"}, {4444, T | U, true, "krb524"},
    {4460, T, true, "ntske"}, {4500, T | U, true, "ipsec-nat-t"}, {4569, T | U, true, "iax"},
    {4662, T | U, true, "oms"}, {4672, T | U, true, "rfa"}, {4729, U, true, "gsmtap"},
    {4730, T | U, true, "gearman"}, {4739, T | U | S, true, "ipfix"},
    {4740, T | U | S, true, "ipfixs"}, {4754, U, true, "gre-in-udp"},
    {4784, T | U, true, "bfd-multi-ctl"}, {4786, T, true, "smart-install"},
    {4789, U, true, "vxlan"}, {4790, U, true, "vxlan-gpe"}, {4791, U, true, "roce"},
    {4840, T, true, "opcua-tcp"}, {4840, U, true, "opcua-udp"}, {4843, T | U, true, "opcua-tls"},
    {4848, T | U, true, "appserv-http"}, {4899, T | U, true, "radmin-port"},
    {4949, T | U, true, "munin"}, {5000, T | U, true, "commplex-main"},
    {5001, T | U, true, "commplex-link"}, {5004, T | U, true, "avt-profile-1"},
    {5005, T | U, true, "avt-profile-2"}, {5025, T | U, true, "scpi-raw"},
    {5050, T | U, true, "mmcc"}, {5060, T | U | S, true, "sip"}, {5061, T | U | S, true, "sips"},
    {5084, T | U, true, "llrp"}, {5093, T | U, true, "sentinel-lm"}, {5150, T | U, true, "atmp"},
    {5190, T | U, true, "aol"}, {5222, T, true, "xmpp-client"}, {5223, T | U, true, "hpvirtgrp"},
    {5228, T, true, "hpvroom"}, {5246, U, true, "capwap-control"}, {5247, U, true, "capwap-data"},
    {5269, T, true, "xmpp-server"}, {5280, T, true, "xmpp-bosh"}, {5298, T | U, true, "presence"},
    {5308, T | U, true, "cfengine"}, {5349, T | U, true, "stuns"}, {5350, U, true, "pcp-multicast"},
    {5351, U, true, "pcp"}, {5353, T | U, true, "mdns"}, {5354, T | U, true, "mdnsresponder"},
    {5355, T | U, true, "llmnr"}, {5357, T | U, true, "wsdapi"}, {5358, T | U, true, "wsdapi-s"},
    {5405, T | U, true, "netsupport"}, {5432, T | U, true, "postgresql"},
    {5445, T | S, true, "smbdirect"}, {5555, T | U, true, "personal-agent"},
    {5601, T | U, true, "esmagent"}, {5631, T | U, true, "pcanywheredata"},
    {5632, T | U, true, "pcanywherestat"}, {5666, T, true, "nrpe"}, {5671, T | U, true, "amqps"},
    {5672, T | U | S, true, "amqp"}, {5678, T | U, true, "rrac"}, {5683, T | U, true, "coap"},
    {5684, T | U, true, "coaps"}, {5722, T | U, true, "msdfsr"}, {5723, T | U, true, "omhs"},
    {5800, T, false, "vnc-http"}, {5900, T | U, true, "rfb"}, {5901, T, false, "vnc"},
    {5938, T | U, false, "teamviewer"}, {5984, T | U, true, "couchdb"},
    {5985, T | U, true, "wsman"}, {5986, T | U, true, "wsmans"}, {5988, T | U, true, "wbem-http"},
    {5989, T | U, true, "wbem-https"}, {5999, T | U, true, "cvsup"}, {6000, T | U, true, "x11"},
    {6001, T | U, true, "x11"}, {6002, T | U, true, "x11"}, {6003, T | U, true, "x11"},
    {6004, T | U, true, "x11"}, {6005, T | U, true, "x11"}, {6080, U, true, "gue"},
    {6081, U, true, "geneve"}, {6343, T | U, true, "sflow"}, {6346, T | U, true, "gnutella-svc"},
    {6347, T | U, true, "gnutella-rtr"}, {6379, T, true, "redis"}, {6432, T, true, "pgbouncer"},
    {6443, T | U, true, "sun-sr-https"}, {6444, T | U, true, "sge-qmaster"},
    {6446, T | U, true, "mysql-proxy"}, {6513, T, true, "netconf-tls"},
    {6514, T | U, true, "syslog-tls"}, {6556, T, true, "checkmk-agent"},
    {6566, T | U, true, "sane-port"}, {6635, U, true, "mpls-udp"}, {6636, U, true, "mpls-udp-dtls"},
    {6640, T, true, "ovsdb"}, {6653, T | U, true, "openflow"}, {6660, T, false, "irc"},
    {6661, T, false, "irc"}, {6662, T, false, "irc"}, {6663, T, false, "irc"},
    {6664, T, false, "irc"}, {6665, T, true, "ircu"}, {6666, T, true, "ircu"},
    {6667, T, true, "ircu"}, {6668, T, true, "ircu"}, {6669, T, true, "ircu"},
    {6696, U, true, "babel"}, {6697, T, true, "ircs-u"}, {6699, U, true, "babel-dtls"},
    {6784, U, true, "bfd-lag"}, {6881, T | U, false, "bittorrent"},
    {6882, T | U, false, "bittorrent"}, {6883, T | U, false, "bittorrent"},
    {6884, T | U, false, "bittorrent"}, {6885, T | U, false, "bittorrent"},
    {6886, T | U, false, "bittorrent"}, {6887, T | U, false, "bittorrent"},
    {6888, T | U, true, "muse"}, {6889, T | U, false, "bittorrent"}, {6969, T | U, true, "acmsoda"},
    {7000, T | U, true, "afs3-fileserver"}, {7001, T | U, true, "afs3-callback"},
    {7002, T | U, true, "afs3-prserver"}, {7003, T | U, true, "afs3-vlserver"},
    {7070, T | U, true, "arcp"}, {7400, T | U, true, "rtps-discovery"},
    {7401, T | U, true, "rtps-dd-ut"}, {7474, T, true, "neo4j"}, {7547, T | U, true, "cwmp"},
    {7574, T, true, "coherence"}, {7574, U, true, "coherence-disc"},
    {7627, T | U, true, "soap-http"}, {7680, T | U, true, "ms-do"}, {7687, T, true, "bolt"},
    {7946, T | U, false, "swarm-gossip"}, {8000, T | U, true, "irdmi"}, {8005, T | U, true, "mxi"},
    {8006, T, true, "wpl-analytics"}, {8006, U, true, "wpl-disc"}, {8008, T | U, true, "http-alt"},
    {8009, T, true, "nvme-disc"}, {8074, T | U, true, "gadugadu"}, {8080, T | U, true, "http-alt"},
    {8081, T | U, true, "sunproxyadmin"}, {8086, T | U, true, "d-s-n"},
    {8088, T | U, true, "radan-http"}, {8090, T, true, "opsmessaging"}, {8091, T, true, "jamlink"},
    {8118, T | U, true, "privoxy"}, {8123, T, false, "home-assistant"}, {8140, T, true, "puppet"},
    {8194, T | U, true, "blp1"}, {8200, T | U, true, "trivnet1"}, {8291, T, false, "winbox"},
    {8301, T | U, true, "amberon"}, {8333, T, false, "bitcoin"},
    {8388, T | U, false, "shadowsocks"}, {8443, T | U, true, "pcsync-https"},
    {8448, T, true, "matrix-fed"}, {8472, T | U, true, "otv"}, {8500, T | U, true, "fmtp"},
    {8530, T, false, "wsus"}, {8531, T, false, "wsus-https"}, {8554, T | U, true, "rtsp-alt"},
    {8600, T | U, true, "asterix"}, {8765, T | U, true, "ultraseek-http"},
    {8800, T | U, true, "sunwebadmin"}, {8880, T | U, true, "cddbp-alt"},
    {8883, T | U, true, "secure-mqtt"}, {8888, T, true, "ddi-tcp-1"}, {8888, U, true, "ddi-udp-1"},
    {8983, T, false, "solr"}, {9000, T | U, true, "cslistener"},
    {9001, T | U, true, "etlservicemgr"}, {9042, T, false, "cassandra"},
    {9050, T, true, "versiera"}, {9051, T, true, "fio-cmgmt"}, {9080, T | U, true, "glrpc"},
    {9090, T | U, true, "websm"}, {9091, T | U, true, "xmltec-xmlmail"},
    {9092, T | U, true, "xmlipcregsvc"}, {9093, T, true, "copycat"},
    {9100, T | U, true, "hp-pdl-datastr"}, {9101, T | U, true, "bacula-dir"},
    {9102, T | U, true, "bacula-fd"}, {9103, T | U, true, "bacula-sd"},
    {9160, T | U, true, "apani1"}, {9200, T | U, true, "wap-wsp"}, {9300, T | U, true, "vrace"},
    {9306, T, true, "sphinxql"}, {9389, T, true, "adws"}, {9418, T | U, true, "git"},
    {9443, T | U, true, "tungsten-https"}, {9600, T | U, true, "micromuse-ncpw"},
    {9800, T | U, true, "davsrc"}, {9899, U, true, "sctp-tunneling"},
    {9900, T | U | S, true, "iua"}, {9993, T | U, true, "palace-2"},
    {9999, T | U, true, "distinct"}, {10000, T | U, true, "ndmp"},
    {10001, T | U, true, "scp-config"}, {10050, T | U, true, "zabbix-agent"},
    {10051, T | U, true, "zabbix-trapper"}, {10080, T | U, true, "amanda"},
    {10110, T | U, true, "nmea-0183"}, {10161, T, true, "snmptls"}, {10161, U, true, "snmpdtls"},
    {10162, T, true, "snmptls-trap"}, {10162, U, true, "snmpdtls-trap"},
    {10250, T, false, "kubelet"}, {10809, T, true, "nbd"}, {11211, T | U, true, "memcache"},
    {11371, T | U, true, "hkp"}, {13720, T | U, true, "bprd"}, {13724, T | U, true, "vnetd"},
    {13782, T | U, true, "bpcd"}, {16509, T, false, "libvirt"}, {17500, T, true, "db-lsp"},
    {17500, U, true, "db-lsp-disc"}, {19302, U, false, "google-stun"},
    {20000, T | U | S, true, "dnp"}, {20048, T | U, true, "mountd"},
    {22000, T | U, true, "snapenetio"}, {24554, T | U, true, "binkp"},
    {25565, T | U, false, "minecraft"}, {25672, T, false, "rabbitmq"},
    {26000, T | U, true, "quake"}, {27015, T | U, false, "source-engine"},
    {27017, T, true, "mongodb"}, {27018, T, false, "mongodb-shard"},
    {27019, T, false, "mongodb-config"}, {30303, T | U, false, "ethereum"},
    {32400, T, true, "plex"}, {33434, T | U, true, "traceroute"},
    {34962, T | U, true, "profinet-rt"}, {34963, T | U, true, "profinet-rtm"},
    {34964, T | U, true, "profinet-cm"}, {34980, T | U, true, "ethercat"},
    {35357, T, true, "openstack-id"}, {37777, T | U, false, "dahua"}, {41121, T, true, "tentacle"},
    {41794, T | U, true, "crestron-cip"}, {41795, T | U, true, "crestron-ctp"},
    {44322, T | U, true, "pmcdproxy"}, {44323, T, true, "pmwebapi"},
    {44818, T | U, true, "ethernet-ip-2"}, {47808, T | U, true, "bacnet"},
    {50051, T, false, "grpc"}, {51413, T | U, false, "bittorrent"}, {51820, U, false, "wireguard"},
    {61613, T, false, "stomp"}, {61616, T, false, "activemq"}, {62078, T, false, "iphone-sync"},
    {64738, T | U, false, "mumble"},
};
/* clang-format on */

enum { SERVICE_COUNT = sizeof services / sizeof services[0] };

static uint8_t protocol_bit(uint8_t protocol)
{
    switch (protocol) {
    case 6:
        return T;
    case 17:
        return U;
    case 132:
        return S;
    default:
        return 0;
    }
}

/* Index of the first entry whose port is not below `port`; SERVICE_COUNT if there is none. Without
 * a branch that depends on the port: it is any port of either side of every flow. */
static size_t lower_bound(uint16_t port)
{
    size_t first = 0;
    size_t count = SERVICE_COUNT;
    while (count > 1) {
        const size_t half = count / 2;
        first += services[first + half - 1].port < port ? half : 0;
        count -= half;
    }
    return first + (services[first].port < port);
}

const struct service *service_find(uint8_t protocol, uint16_t port)
{
    const uint8_t bit = protocol_bit(protocol);
    for (size_t i = lower_bound(port); i < SERVICE_COUNT && services[i].port == port; i++) {
        if ((services[i].protocols & bit) != 0)
            return &services[i];
    }
    return NULL;
}

bool service_is_known(uint8_t protocol, uint16_t port)
{
    const struct service *service = service_find(protocol, port);
    return service != NULL && service->is_assigned;
}

uint16_t service_port(uint8_t protocol, uint16_t initiator_port, uint16_t responder_port)
{
    if (service_is_known(protocol, responder_port))
        return responder_port;
    if (service_is_known(protocol, initiator_port))
        return initiator_port;
    return 0;
}

void service_ports_init(struct service_ports *ports)
{
    memset(ports, 0, sizeof *ports);
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        const struct service *const service = &services[i];
        const uint64_t bit = UINT64_C(1) << service->port % 64;
        for (unsigned protocol = 0; protocol < 3; protocol++)
            if (service->is_assigned && (service->protocols >> protocol & 1) != 0)
                ports->known[protocol][service->port / 64] |= bit;
    }
}

static bool is_in(const uint64_t known[SERVICE_PORTS_WORDS], uint16_t port)
{
    return (known[port / 64] >> port % 64 & 1) != 0;
}

bool service_ports_has(const struct service_ports *ports, uint8_t protocol, uint16_t port)
{
    const uint8_t bit = protocol_bit(protocol);
    return bit != 0 && is_in(ports->known[bit / 2], port); /* of 1, 2 and 4 */
}

uint16_t service_ports_better(const struct service_ports *ports, uint8_t protocol,
                              uint16_t initiator_port, uint16_t responder_port)
{
    const uint8_t bit = protocol_bit(protocol);
    if (bit == 0)
        return 0;
    const uint64_t *const known = ports->known[bit / 2]; /* of 1, 2 and 4 */
    if (is_in(known, responder_port))
        return responder_port;
    return is_in(known, initiator_port) ? initiator_port : 0;
}
