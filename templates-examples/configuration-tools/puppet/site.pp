class { "web": release => $facts["release"] }
