# SPDX-License-Identifier: MIT
# Mends of IPv6, as lwIP has them since 2.2.
lwip_file(src/core/ipv6/ip6_frag.c)
# The whole of what the helper overwrote comes back before it is sent in an ICMPv6 message, not a pointer's size of it.
lwip_edit("MEMCPY(p->payload, ipr->orig_hdr, sizeof(iprh));" "MEMCPY(p->payload, ipr->orig_hdr, sizeof(*iprh));")
# A fragment between two others may leave a hole on either side.
lwip_edit([[
      /* the new pbuf should be inserted before this */
      next_pbuf = q;
]] [[
      if ((iprh_prev != NULL && iprh_prev->end != start) || end != iprh_tmp->start) {
        valid = 0;
      }
      /* the new pbuf should be inserted before this */
      next_pbuf = q;
]])
lwip_file(src/core/ipv6/ip6.c)
# Reassembly moves the header.
lwip_edit([[
        ip6hdr = (struct ip6_hdr *)p->payload;
        nexth = &IP6H_NEXTH(ip6hdr);
        hlen = hlen_tot = IP6_HLEN;
        pbuf_remove_header(p, IP6_HLEN);

#else]] [[
        ip6hdr = (struct ip6_hdr *)p->payload;
        ip_data.current_ip6_header = ip6hdr;
        nexth = &IP6H_NEXTH(ip6hdr);
        hlen = hlen_tot = IP6_HLEN;
        pbuf_remove_header(p, IP6_HLEN);

#else]])
lwip_file(src/core/ipv4/icmp.c)
# An ICMP error quotes a packet that may be a chain.
lwip_edit([[
  SMEMCPY((u8_t *)q->payload + sizeof(struct icmp_echo_hdr), (u8_t *)p->payload,
          response_pkt_len);
]] [[
  pbuf_copy_partial(p, (u8_t *)q->payload + sizeof(struct icmp_echo_hdr), response_pkt_len, 0);
]])
