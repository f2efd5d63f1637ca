# No passwords over SSH, and no other way in as root.
cat > /etc/ssh/sshd_config.d/fleet.conf <<END
PasswordAuthentication no
PermitRootLogin prohibit-password
Banner /etc/issue.net
END
sshd -t
