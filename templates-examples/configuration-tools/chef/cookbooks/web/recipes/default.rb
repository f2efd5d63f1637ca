directory '/srv/www' do
  recursive true
end
file '/srv/www/index.html' do
  content "<p>release #{node['web']['release']}, by Chef\n"
end
