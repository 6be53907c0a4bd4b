package main

// expected is what the probe says of each call, in the order in which it makes them.
const expected = `
LoadPluginConfiguration ok {"key":"stored"}
GetConfig ok https://chat.example.org
GetPluginConfig ok stored
SavePluginConfig ok
GetBundlePath ok /bundle
GetServerVersion ok VERSION
GetDiagnosticId ok diagnostic
RegisterCommand ok
RegisterCommand-refused error the server failed: invalid trigger
UnregisterCommand ok
OpenInteractiveDialog ok
Log-DEBUG ok
Log-INFO ok
Log-WARN ok
Log-ERROR ok
NoSuchMethod error the server has no method ` + "`Plugin.NoSuchMethod`" + `
GetUser-wrong error the server refused the call of ` + "`Plugin.GetUser`" + `: gob: wrong type (string) for received field One.A
GetUser ok alice system_user system_admin nl
GetUser-unknown error the server refused: ` + "`app.user.missing`" + ` with status 404
GetUserByUsername ok id of alice
GetUserByEmail ok id of alice@example.org
SetProfileImage ok
CreateUserAccessToken ok token
RevokeUserAccessToken ok
CreateBot ok bid
EnsureBotUser ok id of probe
GetBot ok probe 1099511627776
PatchBot ok New
UpdateBotActive ok probe
HasPermissionTo ok true
HasPermissionToTeam ok false
HasPermissionToChannel ok true
GetTeam ok desk
GetTeamByName ok id of desk
CreateTeamMember ok bid
GetTeamMember ok team_user true
UpdateTeamMemberRoles ok team_user team_admin
GetChannel ok town P
GetChannelByName ok cid
GetDirectChannel ok D
CreateChannel ok made
AddChannelMember ok bid
AddUserToChannel ok cid
GetChannelMember ok channel_user
CreatePost ok made Grüße
UpdatePost ok pid
GetPost ok 16383
GetPostThread ok pid,answer 2
SendEphemeralPost ok shown
DeletePost ok
DeletePost-refused error the server refused: ` + "`app.post.missing`" + ` with status 404
KVSet ok
KVGet ok [0, 1, 255]
KVGet-missing ok []
KVGet-large ok 8388608
KVSetWithOptions ok true
KVList ok one,two
KVDelete ok
`
