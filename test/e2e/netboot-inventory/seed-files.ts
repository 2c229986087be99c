/** The data directory of the article that this project grew from, and the dnsmasq beside it. */
export const seedFiles: Record<string, string> = {
  "groups/node1.json": `{
  "id": "node1",
  "name": "Worker Node",
  "profile": "worker",
  "selector": {
    "mac": "52:54:00:b2:2f:86"
  },
  "metadata": {
    "domain_name": "node1.example.com",
    "k8s_dns_service_ip": "10.3.0.10",
    "pxe": "true",
    "ssh_authorized_keys": [
      "ssh-rsa XXXXXXXXXXXX fake-test-key-REMOVE-ME"
    ]
  }
}
`,
  "profiles/worker.json": `{
  "id": "worker",
  "name": "Worker",
  "boot": {
    "kernel": "/assets/coreos/1465.8.0/coreos_production_pxe.vmlinuz",
    "initrd": ["/assets/coreos/1465.8.0/coreos_production_pxe_image.cpio.gz"],
    "args": [
      "initrd=coreos_production_pxe_image.cpio.gz",
      "root=/dev/sda1",
      "coreos.config.url=http://matchbox.example.com:8080/ignition?uuid=\${uuid}&mac=\${mac:hexhyp}",
      "coreos.first_boot=yes",
      "console=tty0",
      "console=ttyS0",
      "coreos.autologin"
    ]
  },
  "ignition_id": "worker.yaml"
}
`,
  "ignition/worker.yaml": `---
systemd:
  units:
    - name: docker.service
      enable: true
    - name: locksmithd.service
      mask: true
    - name: kubelet.path
      enable: true
      contents: |
        [Unit]
        Description=Watch for kubeconfig
        [Path]
        PathExists=/etc/kubernetes/kubeconfig
        [Install]
        WantedBy=multi-user.target
    - name: wait-for-dns.service
      enable: true
      contents: |
        [Unit]
        Description=Wait for DNS entries
        Wants=systemd-resolved.service
        Before=kubelet.service
        [Service]
        Type=oneshot
        RemainAfterExit=true
        ExecStart=/bin/sh -c 'while ! /usr/bin/grep '^[^#[:space:]]' /etc/resolv.conf > /dev/null; do sleep 1; done'
        [Install]
        RequiredBy=kubelet.service
`,
  "assets/coreos/1465.8.0/coreos_production_pxe.vmlinuz": "kernel",
  "assets/coreos/1465.8.0/coreos_production_pxe_image.cpio.gz": "initrd",
};

export const seedCommandLine = [
  "sudo docker run --rm --cap-add=NET_ADMIN --net=host quay.io/coreos/dnsmasq",
  "-d -q",
  "--dhcp-range=192.168.1.3,192.168.1.254",
  "--enable-tftp --tftp-root=/var/lib/tftpboot",
  "--dhcp-match=set:bios,option:client-arch,0",
  "--dhcp-boot=tag:bios,undionly.kpxe",
  "--dhcp-match=set:efi32,option:client-arch,6",
  "--dhcp-boot=tag:efi32,ipxe.efi",
  "--dhcp-match=set:efibc,option:client-arch,7",
  "--dhcp-boot=tag:efibc,ipxe.efi",
  "--dhcp-match=set:efi64,option:client-arch,9",
  "--dhcp-boot=tag:efi64,ipxe.efi",
  "--dhcp-userclass=set:ipxe,iPXE",
  "--dhcp-boot=tag:ipxe,http://matchbox.example.com:8080/boot.ipxe",
  "--address=/matchbox.example/192.168.1.2",
  "--log-queries",
  "--log-dhcp",
]
  .join(" ")
  .split(" ");
