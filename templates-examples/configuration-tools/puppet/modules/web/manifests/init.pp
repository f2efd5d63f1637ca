class web(String $release) {
  file { ['/srv', '/srv/www']: ensure => directory }
  file { '/srv/www/index.html': content => "<p>release ${release}, by Puppet\n" }
}
